create table prices (sku text primary key, cents int not null);
create table orders (id text primary key, cents int not null);

insert into prices values ('tea', 450), ('kettle', 8900), ('cup', 1200);
