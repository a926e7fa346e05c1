"""The words that batches and status documents are made of: the dictionary with which they are deflated (RFC 1950).

What is frequent stands last, and in the order in which it is written, since long matches cost least. Both ends carry
the same text: a change of it is a new version of the format.
"""

from __future__ import annotations

WORDS = (
    b'"errand":{"kind":"restore","by":"","since":,"text":""},"stuck":[{"name":"","why":""}],"storage":"","'
    b'override":{"rung":"","until":,"why":""},"row":{"missed":,"since":},"view":{"verdict":"not analysed",'
    b'"verdict":"black","pictures":,"since":,"text":""},"paused":{"since":,"until":,"by":"","text":"paused'
    b' by : "},"drift":{"iso":{"wanted":"","found":""}},"error":{"class":"DestinationUnreachable","text":"'
    b'","since":},"changes":[{"n":1,"at":17,"check":"camera","subject":"","state":2,"line":"CAMERA CRITICA'
    b'L: no picture for 45 min (camera gone) - losing 6/h"},{"acknowledged":[{"status":{"version":1,"overl'
    b'apse":"0.1.0","site":"harbour","node":"unit1","kind":"unit","zone":"Europe/Paris","at":17,"next":17,'
    b'"check_in":300.0,"started":17,"boot":"","pid":1,"fence":"1-7","clock":{"trusted":true,"why":"the ker'
    b'nel says it is synchronised"},"looking":0,"thresholds":{},"cameras":[{"name":"north","state":"ok","p'
    b'icture":{"slot":17},"last":{"slot":17,"outcome":"captured","cause":""},"next":17,"interval":600.0,"s'
    b'trip":"........................########################","day":{"captured":144,"missed":1,"late":1},'
    b'"missed":{"camera busy":1},"rung":3,"telemetry":{"at":17,"battery":100,"mains":true,"clock_drift":0.'
    b'4,"shutter_count":41,"free_pictures":9}}],"destinations":[{"name":"nas","link":"lan","required":true'
    b',"state":"ok","waiting":0,"bytes":0,"proven":0,"audit":{"within":2592000.0,"looked":,"lost":0,"read"'
    b':,"last":17,"oldest":17}},{"name":"fr","link":"sim","required":true,"state":"sending","waiting":,"by'
    b'tes":,"oldest":17,"eta":,"sending":{"name":"","offset":,"size":},"sent":,"proven":}],"links":[{"name'
    b'":"sim","rate":120000,"goodput":{"p50":,"p10":},"rung":"everything","why":"","carries":["status","li'
    b've","thumbnail","jpeg","raw","audit"],"open":true,"next_change":17,"month":{"begin":17,"end":17,"bud'
    b'get":12000000000,"used":,"at_end":,"counted":"on the wire","classes":{"status":,"live":,"jpeg":,"raw'
    b'":,"other":}}}],"buffer":{"free":,"total":,"inodes":,"inodes_free":,"keep_free":2000000000,"when_ful'
    b'l":"thin","pictures":,"bytes":,"proven":,"days":61.0,"sentence":"never within ten years"},"at_risk":'
    b'{"pictures":0,"bytes":0,"oldest":17,"hours":0.0},"verdicts":[{"check":"node","state":1,"line":"NODE '
    b'WARNING: "},{"check":"storage","state":2,"line":"STORAGE CRITICAL: - act before Sat 12:00Z"},{"check'
    b'":"camera","state":0,"line":"CAMERA OK: north Sat 12:00Z, 144 of 144 in a day - can wait until 21 Ja'
    b'n 2027","subject":"north"},{"check":"transfer","state":0,"line":"TRANSFER OK: nas has all 29990 - ca'
    b'n wait until 21 Jan 2027","subject":"nas"},{"check":"link","state":0,"line":"LINK OK: sim 6 GB of 12'
    b' GB, rung everything - can wait until 21 Jan 2027","subject":"sim"},{"check":"storage","state":0,"li'
    b'ne":"STORAGE OK: 300 GB free, 61 d if links fail - can wait until 21 Jan 2027"},{"check":"node","sta'
    b'te":0,"line":"NODE OK: unit1 runs, heard Sat 12:00Z - can wait until 21 Jan 2027"}]}}\n{"line":"overr'
    b'ide","until":,"who":"","why":""}{"line":"filled"{"no":"","heard":[".cr3"".nef""partial":true,"outcom'
    b'e":"late","outcome":"excused","outcome":"missed","cause":"node down{"line":"receipt","rendition":"",'
    b'"destination":"nas","level":,"remote":"/2026/","required":false,"wanted":,"priority":,"source_name":'
    b'"DSC_0001.NEF","trusted":false,"kind":"raw","boot":"","taken_in":,"source_time":17}{"line":"outcome"'
    b',"camera":"north","slot":17,"node":"unit1","outcome":"captured","index":,"shutter":17,"fence":"1-1"}'
    b'{"line":"picture","name":"north_2026T000Z_unit1_1-1.jpg","slot":17,"index":,"kind":"jpeg","size":,"s'
    b'ha256":"","shutter":17}\n{"name":"_2026T000Z_unit1_1-1.jpg","size":,"sha256":"","level":3,"at":17}\n'
)
