-- Who has ACCESS CATALOG. https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_SYSTEM_PRIVILEGES.html
SELECT identity_type::varchar(32), identity_name::varchar(256)
  FROM svv_system_privileges
 WHERE system_privilege = 'ACCESS CATALOG'
