select
    customers.customer_id,
    customers.name,
    customers.email,
    customers.city,
    count(orders.order_id) as orders,
    coalesce(sum(orders.total), 0) as spent
from {{ ref('stg_customers') }} as customers
left join {{ ref('orders') }} as orders on orders.customer_id = customers.customer_id
group by all
