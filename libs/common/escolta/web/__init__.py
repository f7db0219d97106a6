"""What every page and API has in common: who is signed in, what a role may do, one frame, one style."""

from escolta.web.frame import page
from escolta.web.pages import Pages, Visitor
from escolta.web.sessions import NOBODY, Session, Sessions, lead, signed_in

__all__ = ["NOBODY", "Pages", "Session", "Sessions", "Visitor", "lead", "page", "signed_in"]
