"""What is written in documents, by the address of their content."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.content.models import DIGEST_LENGTH
from workspace.db import Base


class DocumentWords(Base):
    """words: at most rules.WORDS_MOST characters, "" where there are none. reason: why not (previews.rules.Reason), None when read."""

    __tablename__ = "document_words"
    __unaudited__ = "read from a recorded version, and again at any time"

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    words: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(30))
    at: Mapped[datetime]
