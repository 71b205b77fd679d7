"""Tags in the words of shops: Shopify's product CSV, Google Merchant feeds, and columns for whoever reviews them."""
