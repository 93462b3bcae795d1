-- History in three layers, each laid over the one before when a series is read: means of an hour for old days (hourly), one compressed
-- chunk a day (chunk), and what came in since the day was last sealed (tail), in blocks of sixty slots. Chunks written before this
-- migration stay as they are: their first byte names their format.

CREATE TABLE tail (
    series_id BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    block     BIGINT NOT NULL,
    data      BYTEA  NOT NULL,
    PRIMARY KEY (series_id, day, block)
);

CREATE TABLE hourly (
    series_id BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    data      BYTEA  NOT NULL,
    PRIMARY KEY (series_id, day)
);

-- What grows old is found by its age.
CREATE INDEX chunk_by_day ON chunk (day);
CREATE INDEX hourly_by_day ON hourly (day);
CREATE INDEX journal_by_time ON journal (at_ms);
