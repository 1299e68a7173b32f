"""Packs a folder of image files into Parquet: a million small files are slow on any file system, one table is not.

    pip install pyarrow
    python pack_images.py photographs images.parquet

The table has the columns `path`, relative to where you are, and `content`, the bytes of the file, as Spark's binaryFile has.
`infer bulk`, examples/ray and examples/spark read it.
"""

import argparse
import pathlib

import pyarrow
import pyarrow.parquet

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif", ".bmp"}
SCHEMA = pyarrow.schema([("path", pyarrow.string()), ("content", pyarrow.binary())])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=1000, help="images of a row group: what is read at a time")
    options = parser.parse_args()
    files = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in ENDINGS)
    with pyarrow.parquet.ParquetWriter(options.out, SCHEMA) as writer:
        for start in range(0, len(files), options.rows):
            group = files[start : start + options.rows]
            columns = [[str(path) for path in group], [path.read_bytes() for path in group]]
            writer.write_table(pyarrow.table(columns, schema=SCHEMA))
    print(f"{options.out}: {len(files)} images")


if __name__ == "__main__":
    main()
