"""Scripted phones: they register, answer, call, speak, press keys and remember what they heard (feature L6).

In tests and tools:

    async with Phone("anna", Account("acme.test", "secret", ("127.0.0.1", 5060))) as phone:
        await phone.register()
        call = await phone.answered()
        await call.say(tone(440, 2.0))
        await call.over()
        call.heard
"""

from tools.softphone.call import Call, CallFailed
from tools.softphone.command import command
from tools.softphone.phone import Account, NotRegistered, Phone
from tools.softphone.script import Script

__all__ = ["Account", "Call", "CallFailed", "NotRegistered", "Phone", "Script", "command"]
