{{ config(materialized='view') }}
select c.id as customer_id, c.name, count(o.order_id) as orders
from {{ ref('raw_customers') }} c left join {{ ref('orders') }} o on o.customer_id = c.id
group by 1, 2
