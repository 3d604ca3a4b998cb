#!/bin/sh
# Modules that use memory in every way: objects, buffers, threads, processes, extension modules, the C API.
set -e
exec /usr/bin/python3 -m test -j 1 --timeout 300 \
    test_array test_ast test_asyncio test_bigmem test_bytes test_bz2 test_capi test_codecs test_collections \
    test_concurrent_futures test_copy test_csv test_ctypes test_datetime test_decimal test_descr test_dict test_email \
    test_enum test_fork1 test_fractions test_functools test_gc test_generators test_gzip test_hashlib test_heapq \
    test_io test_itertools test_json test_list test_logging test_long test_lzma test_marshal test_memoryview \
    test_mmap test_multiprocessing_fork test_ordered_dict test_os test_pickle test_posix test_queue test_re test_set \
    test_sqlite3 test_statistics test_str test_struct test_subprocess test_tarfile test_tempfile test_thread \
    test_threading test_tuple test_typing test_unicodedata test_unittest test_weakref test_xml_etree test_xml_etree_c \
    test_zipfile test_zlib >log 2>&1
