"""Every way to write a bad amount. All doors (Python, JSON, Pulumi, command line) refuse the same list.

`BAD_TEXT` is text that is no amount of any resource and can stand in an argument of a command; `BAD_COUNTS`
is text that only byte resources allow; `BAD_NUMBERS` are numbers and `BAD_VALUES` other values of JSON.
"""

BAD_TEXT: tuple[str, ...] = (
    # nothing, and blanks anywhere
    *(
        "",
        " ",
        "\t",
        " 8",
        "8 ",
        "8\n",
        "\n8",
        "8 GiB",
        "8GiB ",
        "8\u00a0GiB",
        "8\u2009",
        "\ufeff8",
        "8\u200b",
        "1 000",
    ),
    # signs
    *("-1", "+8", "-0", "+0", "\u22121", "--8", "8-", "-8GiB", "+8GiB"),
    # fractions and exponents
    *("1.5", "1.5GiB", "8.0", "8.", ".5", "8,5", "1e3", "1E3", "1e3GiB", "1p3", "1/2", "\u00bd"),
    # separators, other bases, leading zeros (octal to some readers)
    *("1_000", "1,000", "1'000", "0x10", "0b1", "0o7", "10h", "010", "00", "007GiB"),
    # digits that are not ASCII, and look-alikes
    *(
        "\u0668",
        "\uff18",
        "\u0967",
        "\u00b2",
        "\u2167",
        "\U0001d7d8",
        "1\u0668",
        "1\uff18GiB",
        "\uff18GiB",
        "8G\u0456B",
        "O",
        "l",
    ),
    # units that are not ours: decimal, short, wrong case, plural, doubled, before the number, alone
    *(
        "8G",
        "8M",
        "8K",
        "8GB",
        "8MB",
        "8kB",
        "8KB",
        "8gib",
        "8GIB",
        "8Gib",
        "8kib",
        "8mib",
        "8KIB",
        "8b",
        "8EiB",
    ),
    *("8bytes", "8GiBs", "8GiBGiB", "8GiB8", "8GiB8MiB", "GiB8", "GiB", "B", "8%", "8cores"),
    # words
    *("NaN", "nan", "inf", "Infinity", "-Infinity", "None", "null", "true", "True", "eight", "max", "all"),
    *("limited", "Unlimited", "UNLIMITED", "infinite", "[8]", '"8"', "'8'", "{8}", "8;", "8=8", "$8", "#8"),
    # too large: beyond 2**53 - 1, and beyond what int() reads
    *(
        "9007199254740992",
        "8PiB",
        "8192TiB",
        "18446744073709551616",
        "99999999999999999999",
        "9" * 40,
        "9" * 5000,
    ),
    *("9007199254740992B", "9007199254740991KiB", "1" + "0" * 16),
)

BAD_COUNTS: tuple[str, ...] = ("8B", "8KiB", "8MiB", "8GiB", "8TiB", "1PiB", "0B", "0GiB")

BAD_NUMBERS: tuple[int | float, ...] = (
    *(-1, -(2**53), 2**53, 2**64, 10**400),
    *(0.0, 1.0, 8.0, 1.5, -0.5, 1e3, 1e300, float("nan"), float("inf"), float("-inf")),
)

BAD_VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    [],
    ["8"],
    [8],
    {},
    {"hard": "8"},
    {"amount": 8},
    "8\x00",
)

NOT_JSON: tuple[object, ...] = (b"8", bytearray(b"8"), 8j, (8,), {8}, ..., range(8))
"""Values that only Python has."""
