"""The demo: real models, trained there and then, and a walk through podium with the commands a person would type."""

from podium.demo.tour import Answered, Event, Heading, Said, Shown, Typed, check_ready, prepared, walk

__all__ = ["Answered", "Event", "Heading", "Said", "Shown", "Typed", "check_ready", "prepared", "walk"]
