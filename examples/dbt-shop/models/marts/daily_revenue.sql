{{ config(materialized='incremental', unique_key='day') }}

select cast(ordered_at as date) as day, count(*) as orders, sum(total) as revenue
from {{ ref('orders') }}
where status <> 'returned'
{% if is_incremental() %}
    and cast(ordered_at as date) >= (select max(day) from {{ this }})
{% endif %}
group by all
