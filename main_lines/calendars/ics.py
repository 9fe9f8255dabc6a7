"""Entries as an iCalendar file (RFC 5545). The only module that speaks icalendar."""

from collections.abc import Iterable
from datetime import timedelta

from icalendar import Calendar, Event, vDuration

from main_lines.calendars.rules import Entry

DAY = timedelta(days=1)
ASK_AGAIN = timedelta(hours=1)


def ics_of(entries: Iterable[Entry], *, name: str, base_url: str) -> bytes:
    """base_url: of the links, without a slash at the end. Without a METHOD: that is for invitations, asks for an organizer in each entry
    (RFC 5546, 3.2.1) and for the same word in the content type (RFC 5545, 3.7.2)."""
    calendar = Calendar()
    calendar.add("prodid", "-//Mainline//Calendar//ZH")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(ASK_AGAIN), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(ASK_AGAIN))
    for entry in entries:
        calendar.add_component(_event(entry, base_url))
    written: bytes = calendar.to_ical()
    return written


def _event(entry: Entry, base_url: str) -> Event:
    """A whole day that keeps nobody busy. Its end is the day after, as the RFC counts. Its id names no host: there may be several."""
    event = Event()
    event.add("uid", f"{entry.uid}@mainline")
    event.add("dtstamp", entry.at)
    event.add("last-modified", entry.at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.day)
    event.add("dtend", entry.day + DAY)
    event.add("summary", entry.title)
    event.add("description", entry.note)
    event.add("url", f"{base_url}{entry.path}")
    event.add("categories", [entry.kind])
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    return event
