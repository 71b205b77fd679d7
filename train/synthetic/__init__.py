"""A catalogue of drawn products with exact labels, made for the demo and the tests: no download, no licence.

What is drawn, for a recipe: `department` > `type` (exclusive), `colour` (exclusive), `pattern` (exclusive) and
`details` (any-of, separated by "|", "none" where there are none).
"""

from edge_tagger.train.synthetic.catalogue import draw_catalogue, draw_photo
from edge_tagger.train.synthetic.details import DETAILS
from edge_tagger.train.synthetic.products import PRODUCTS
from edge_tagger.train.synthetic.surfaces import COLOURS, PATTERNS

__all__ = ["COLOURS", "DETAILS", "PATTERNS", "PRODUCTS", "draw_catalogue", "draw_photo"]
