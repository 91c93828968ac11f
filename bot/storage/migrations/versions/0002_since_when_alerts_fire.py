"""Since when alerts fire, and when it was decided where they belong"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("began_at", "settled_at"):
        op.add_column("alerts", sa.Column(name, sa.Double(), server_default="0", nullable=False))
    op.execute("UPDATE alerts SET began_at = first_seen, settled_at = first_seen")
