select customer_id, name, email, city
from {{ ref('stg_customers') }}
