-- Whether the user is a superuser, and the groups that it is in: one row for each group, or one without.
SELECT u.usesuper, g.groname::text
  FROM pg_user u
  LEFT JOIN pg_group g ON u.usesysid = ANY (g.grolist)
 WHERE u.usename = current_user
 ORDER BY 2
