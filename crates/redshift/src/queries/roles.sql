-- The roles that were granted to the user $1. https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_USER_GRANTS.html
SELECT role_name::varchar(256) FROM svv_user_grants WHERE user_name = $1 ORDER BY 1
