"""Shows that Spark jobs run on this pool and can use the default datastore of the workspace.

It counts to a hundred on an executor, writes the numbers as one object into a folder of its own, reads them back, and deletes the
folder. Each step is printed, so that the log of the job names the one that failed.
"""

import argparse

from pyspark.sql import SparkSession

LAST = 100


def folder_of(spark, uri):
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path


def prove(spark, output):
    numbers = spark.range(1, LAST + 1).selectExpr("cast(id as string) as value").coalesce(1)
    count = numbers.count()
    print(f"counted to {count}")
    assert count == LAST, f"counted to {count} instead of {LAST}"
    # Without it there would be a second object, _SUCCESS.
    spark.conf.set("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    numbers.write.text(output)
    print(f"wrote {output}")
    found = spark.read.text(output).count()
    assert found == LAST, f"read {found} lines instead of {LAST}"
    print(f"read {output}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    output = parser.parse_args().output.rstrip("/")
    spark = SparkSession.builder.getOrCreate()
    files, folder = folder_of(spark, output)
    # What was there before is not deleted.
    assert not files.exists(folder), f"{output} exists already"
    try:
        prove(spark, output)
    except BaseException:
        try:
            files.delete(folder, True)
        except Exception as error:
            # The first error is the one that matters.
            print(f"could not delete {output}: {error}")
        raise
    assert files.delete(folder, True) and not files.exists(folder), f"{output} was not deleted"
    print(f"deleted {output}")


if __name__ == "__main__":
    main()
