"""The live page of ``--serve``: an HTTP server in a thread of its own, beside the streams.

``server`` is the process's part of it, ``tile`` a stream's. A frame is drawn and encoded in the
tile's thread, once for each view that somebody watches; ``viewers`` hands it to all who do. Every
request passes ``gate`` first; ``api`` has the routes, from which ``openapi`` is written; ``page/``
is what a browser loads. It knows streams only as what they are given to it: it imports nothing of
the streams or outputs.
"""
