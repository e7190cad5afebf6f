-- Studies that were retracted, as the operator's list has them: a DOI in lower case, or "pmid:" and a number.
CREATE TABLE retractions (
    study TEXT PRIMARY KEY,
    nature TEXT NOT NULL,
    date TEXT,
    notice TEXT,
    reason TEXT NOT NULL,
    imported_at BIGINT NOT NULL
);

-- Dead letters that were sent again.
CREATE TABLE dead_letters_sent (
    part BIGINT NOT NULL,
    off BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    PRIMARY KEY (part, off)
);
