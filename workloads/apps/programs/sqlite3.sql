PRAGMA cache_size = -65536;
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER, item TEXT, amount INTEGER, note TEXT);
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT, city TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO customers SELECT i, printf('customer %05d', i), printf('city %d', i * 7919 % 97) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO orders SELECT i, i * 104729 % 5000 + 1, printf('item %d', i * 31 % 1009), i * 37 % 1000, substr(hex(i * 2654435761), 1, 8) || printf('%.*c', i % 60, 'x') FROM n;
CREATE INDEX by_customer ON orders(customer, amount);
CREATE INDEX by_note ON orders(note);
SELECT city, count(*), sum(amount) FROM orders JOIN customers ON customers.id = customer GROUP BY city ORDER BY 3 DESC, 1 LIMIT 10;
SELECT item, group_concat(DISTINCT customer) FROM (SELECT * FROM orders ORDER BY customer) WHERE amount > 900 GROUP BY item ORDER BY item LIMIT 20;
UPDATE orders SET note = note || upper(item) WHERE id % 3 = 0;
DELETE FROM orders WHERE id % 5 = 0;
SELECT count(*), sum(length(note)), min(note), max(note) FROM orders;
SELECT json_group_array(json_object('id', id, 'note', note)) FROM (SELECT * FROM orders ORDER BY id LIMIT 2000);
PRAGMA integrity_check;
