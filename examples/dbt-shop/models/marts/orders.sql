select
    cast(orders.order_id as integer) as order_id,
    cast(orders.customer_id as integer) as customer_id,
    orders.ordered_at,
    cast(orders.status as varchar) as status,
    cast(orders.gift_note as varchar) as gift_note,
    cast(sum(lines.amount) as decimal(12, 2)) as total
from {{ ref('stg_orders') }} as orders
join {{ ref('stg_order_lines') }} as lines on lines.order_id = orders.order_id
group by all
