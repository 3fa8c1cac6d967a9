INSERT INTO shop_group (id, name) VALUES (1, 'admins'), (2, 'staff');
INSERT INTO shop_user (id, username, email) VALUES (1, 'john_doe', 'john@example.com'), (2, 'jane', 'jane@example.com');
INSERT INTO shop_user_groups (id, user_id, group_id) VALUES (1, 1, 2);
INSERT INTO shop_author (id, name, average_price) VALUES (1, 'J.K. Rowling', 12.5), (2, 'Lem', NULL);
INSERT INTO shop_book (id, title, price, rating, author_id) VALUES (1, 'One', 10, 4.5, 1), (2, 'Two', 20.25, 4, 1), (3, 'Three', 15, 5, 1), (4, 'Four', 7.5, 1.5, 1), (5, 'Five', 9, 2.5, 1), (6, 'Six', 8, 3, 1), (7, 'Solaris', 30, 4.8, 2);
