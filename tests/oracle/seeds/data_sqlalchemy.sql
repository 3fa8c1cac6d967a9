INSERT INTO users (id, username, email, name, age) VALUES (1, 'john_doe', 'john@example.com', 'Alice', 25);
INSERT INTO users (id, username, email, name, age) VALUES (2, 'jane', 'jane@example.com', 'Bob', 17);
INSERT INTO users (id, username, email, name, age) VALUES (3, 'carl', 'carl@example.com', 'Carl', 25);
INSERT INTO "groups" (id, name) VALUES (1, 'admins'), (2, 'staff');
INSERT INTO user_groups (user_id, group_id) VALUES (1, 2);
INSERT INTO posts (id, title, user_id) VALUES (1, 'First', 1), (2, 'Second', 1);
INSERT INTO authors (id, name, average_price) VALUES (1, 'J.K. Rowling', 12.5);
INSERT INTO books (id, title, price, rating, author_id) VALUES (1, 'One', 10, 4.5, 1), (2, 'Two', 20, 4.0, 1);
INSERT INTO my_table (id, name) VALUES (1, 'row');
