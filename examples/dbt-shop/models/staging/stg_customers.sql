select customer_id, name, lower(email) as email, city, signed_up_on
from {{ source('till', 'customers') }}
