"""An archive of videos on Ray Data: ``python -m runtime.archive`` labels them on many machines.

Videos are cut at key frames into pieces (:mod:`.cuts`), pieces are labelled by a pool of actors
(:mod:`.worker`), each by the same stream that ``mgca-rt`` runs (:mod:`.piece`), and whoever
finishes a video's last piece joins them (:mod:`.join`). Ray hands out the work, and again where a
worker died; what is finished lies as files in the output folder (:mod:`.ledger`), on a disk or in
an object store (:mod:`.store`).

Ray and pyarrow come with the extra ``ray`` and are imported only where they are used.
"""
