"""The login page, which is the sign-up page, too; logout."""

from starlette.responses import Response

from servers.bat.answers import HOME, MultiValueDictKeyError, alert, help_block, page, redirect
from servers.bat.call import Call
from servers.bat.door import sign_in, token_field

LONGEST = 50
TOO_LONG = f"Ensure this field has no more than {LONGEST} characters."
BLANK = "This field may not be blank."


def login_page(call: Call) -> Response:
    """GET and POST of it, for somebody who is signed in already: where they are at home."""
    if call.user is not None:
        return redirect(_home(call.user["superuser"]))
    if call.method == "GET":
        return _page(call, "")
    if "login" in call.form:
        return _login(call)
    if "signup" in call.form:
        return _sign_up(call)
    raise MultiValueDictKeyError("'signup'")


def logout(call: Call) -> Response:
    call.state.db.execute("DELETE FROM sessions WHERE id = ?", (call.cookies.get("sessionid", ""),))
    call.new_cookies.append(("sessionid", ""))
    return redirect(HOME)


def _login(call: Call) -> Response:
    if errors := _field_errors(call, "username", "password"):
        return _page(call, errors)
    name, password = call.sent("username"), call.sent("password")
    user = call.state.row("SELECT * FROM users WHERE name = ? AND password = ?", name, password)
    if user is None:
        return _page(call, alert("Invalid login or password."))
    sign_in(call, user["id"])
    return redirect(_home(user["superuser"]))


def _sign_up(call: Call) -> Response:
    """Open to anybody, and it signs nobody in."""
    if errors := _field_errors(call, "username", "password", "confirm_password"):
        return _page(call, errors)
    name, password = call.sent("username"), call.sent("password")
    if password != call.sent("confirm_password"):
        return _page(call, alert("Those passwords don't match."))
    if call.state.row("SELECT id FROM users WHERE name = ?", name):
        return _page(call, alert("User already exists."))
    call.state.add("users", name=name, password=password, superuser=0, staff=0)
    return redirect(_home(superuser=False))


def _field_errors(call: Call, *names: str) -> str:
    values = [call.form.get(name, [""])[-1] for name in names]
    return "".join(
        help_block(TOO_LONG if value else BLANK) for value in values if not 0 < len(value) <= LONGEST
    )


def _home(superuser: bool) -> str:
    return f"{HOME}projects/" if superuser else f"{HOME}new_annotation/"


def _page(call: Call, said: str) -> Response:
    return page(
        "BAT",
        f'{said}<form method="post">{token_field(call)}'
        '<input type="text" name="username" /><input type="password" name="password" />'
        '<button type="submit" name="login">Log in</button></form>'
        f'<form method="post">{token_field(call)}'
        '<input type="text" name="username" /><input type="password" name="password" />'
        '<input type="password" name="confirm_password" />'
        '<button type="submit" name="signup">Sign up</button></form>',
    )
