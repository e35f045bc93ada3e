select lines.flower, flowers.colour, flowers.season, sum(lines.stems) as stems, sum(lines.amount) as revenue
from {{ ref('stg_order_lines') }} as lines
left join {{ ref('flowers') }} as flowers on flowers.flower = lines.flower
group by all
