"""Write the typed client of the API from the OpenAPI document that the product itself writes."""
