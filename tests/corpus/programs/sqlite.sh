# sqlite3: joins, windows, recursion, JSON, full text, a dump, an integrity check.
# limit: 60
# quick
sqlite3 test.db <<'Q'
create table reading(id integer primary key, sensor int, label text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 12000)
insert into reading select i, i * 6151 % 509, printf('L%04d', i * 17 % 4999), (i * 37 % 1000) / 8.0 from n;
create index by_sensor on reading(sensor, label);
select count(*), sum(value), max(label), round(avg(value), 6) from reading;
select sensor, count(*) c, round(total(value), 3) from reading group by sensor having c > 23 order by 3 desc, 1 limit 4;
select id, rank() over (order by value, id), round(avg(value) over (partition by sensor % 5 order by id rows 4 preceding), 4) from reading where id % 997 = 1;
select count(*) from reading a join reading b on a.sensor = b.sensor and a.label < b.label where a.id < 400;
with recursive fib(a, b, n) as (select 0, 1, 1 union all select b, a + b, n + 1 from fib where n < 80) select max(a) from fib;
update reading set value = value * 1.5 where label like 'L00%' or sensor between 3 and 9; delete from reading where id % 11 = 4;
select count(*), round(sum(value), 2) from reading; select json_group_array(json_object('s', sensor, 'n', n)) from (select sensor, count(*) n from reading group by 1 order by 2 desc, 1 limit 3);
create virtual table note using fts5(body); insert into note select 'alpha ' || label || ' beta ' || sensor from reading where id < 2500;
select count(*) from note where note match 'alpha AND L1*'; select group_concat(x, '-') from (select value x from json_each('[3,1,{"a":2},"t"]'));
select quote(x'00ff'), typeof(1e300 * 1e10), 7 / 2, -7 % 3, 7 / 2.0, round(2.5), substr('hello', -3, 2), instr('abc', 'c'), unicode('é'), strftime('%Y-%j', 1700000000, 'unixepoch'), iif(1 > 2, 'y', 'n');
begin; delete from reading; rollback; pragma integrity_check; vacuum; select count(distinct label) from reading;
Q
sqlite3 test.db .dump | cksum
