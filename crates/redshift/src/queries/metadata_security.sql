-- https://docs.aws.amazon.com/redshift/latest/dg/t_metadata_security.html
SELECT current_setting('metadata_security')::text
