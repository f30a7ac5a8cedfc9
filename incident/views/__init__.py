"""The pages of an incident: one module per resource; guard, fetch, validate, one call, redirect."""
