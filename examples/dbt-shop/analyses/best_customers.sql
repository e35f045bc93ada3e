select name, spent from {{ ref('customers', v=2) }} order by spent desc limit 10
