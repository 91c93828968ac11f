"""`muster demo`: a fresh Muster in a temporary folder, and a story that is posted through its real webhooks."""
