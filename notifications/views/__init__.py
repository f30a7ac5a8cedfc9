"""Pages of delivery: one module per thing one looks at; guard, fetch, one call, redirect."""
