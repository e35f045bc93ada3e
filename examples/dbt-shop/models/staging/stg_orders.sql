select
    order_id,
    customer_id,
    cast(ordered_at as timestamp) as ordered_at,
    status,
    gift_note
from {{ source('till', 'orders') }}
