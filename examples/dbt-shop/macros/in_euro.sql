{# What stands in cents, in euro. #}
{% macro in_euro(column) %}cast({{ column }} / 100.0 as decimal(12, 2)){% endmacro %}
