"""Storage: tables, migrations and transactions; SQLite by default, PostgreSQL by URL. No rule of the product lives here."""
