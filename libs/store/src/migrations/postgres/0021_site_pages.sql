-- Pages of site maps that were looked at, by the hash of their address, with the change that the map stated then.
CREATE TABLE site_pages (
    feed UUID NOT NULL,
    page BIGINT NOT NULL,
    modified BIGINT,
    PRIMARY KEY (feed, page)
);
