# SPDX-License-Identifier: EUPL-1.2
"""Who was there: every word about it, and the code that hangs in the room."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Key, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attendances",
        sa.Column("id", Key, sa.Identity(), primary_key=True),
        sa.Column("booking_id", Key, sa.ForeignKey("bookings.id", name="fk_attendances_booking_id"), nullable=False),
        sa.Column("said", sa.String()),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", Moment, nullable=False),
        sa.CheckConstraint("said in ('present', 'late', 'absent', 'excused')", name="said"),
        sa.CheckConstraint("how in ('console', 'chat', 'qr', 'sheet')", name="how"),
    )
    op.create_index("ix_attendances_booking_id_id", "attendances", ["booking_id", "id"])
    with op.batch_alter_table("workshops") as table:
        table.add_column(sa.Column("check_in_key", sa.String()))
        table.create_unique_constraint("uq_workshops_check_in_key", ["check_in_key"])


def downgrade() -> None:
    with op.batch_alter_table("workshops") as table:
        table.drop_constraint("uq_workshops_check_in_key", type_="unique")
        table.drop_column("check_in_key")
    op.drop_table("attendances")
