{{ config(materialized='ephemeral') }}

select
    order_id,
    line,
    flower,
    stems,
    {{ in_euro('stems * price_cents') }} as amount
from {{ source('till', 'order_lines') }}
