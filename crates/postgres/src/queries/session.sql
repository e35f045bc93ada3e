SELECT current_setting('server_version'),
       current_setting('server_version_num')::int4,
       current_setting('block_size')::int4,
       current_user,
       current_setting('server_encoding'),
       ARRAY(SELECT r.name
               FROM unnest($1::text[]) AS r(name)
              WHERE NOT has_table_privilege('pg_catalog.' || r.name, 'SELECT')),
       ARRAY(SELECT f.name
               FROM unnest($2::text[]) AS f(name)
              WHERE NOT has_function_privilege('pg_catalog.' || f.name, 'EXECUTE'))
