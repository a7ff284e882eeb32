create table suppliers (id int primary key, name text not null);
create table orders (number text primary key, supplier int not null references suppliers, cents bigint not null);
create table payables (id text primary key, cents bigint not null, cost_center text not null);

insert into suppliers values (1, 'Acme Paper'), (2, 'Blue Ink');
insert into orders values ('PO-118', 1, 42000), ('PO-119', 1, 100000), ('PO-207', 1, 1820000), ('PO-300', 2, 42000);
