-- The tables of Django's contrib apps as its migrations leave them, but for references: contenttypes, auth, sites, sessions, admin.
CREATE TABLE django_content_type (id integer AUTO_INCREMENT PRIMARY KEY, app_label varchar(100) NOT NULL, model varchar(100) NOT NULL, UNIQUE (app_label, model));
CREATE TABLE auth_permission (id integer AUTO_INCREMENT PRIMARY KEY, name varchar(255) NOT NULL, content_type_id integer NOT NULL, codename varchar(100) NOT NULL, UNIQUE (content_type_id, codename));
CREATE TABLE auth_group (id integer AUTO_INCREMENT PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
CREATE TABLE auth_group_permissions (id integer AUTO_INCREMENT PRIMARY KEY, group_id integer NOT NULL, permission_id integer NOT NULL, UNIQUE (group_id, permission_id));
CREATE TABLE auth_user (id integer AUTO_INCREMENT PRIMARY KEY, password varchar(128) NOT NULL, last_login datetime(6), is_superuser bool NOT NULL, username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL, email varchar(254) NOT NULL, is_staff bool NOT NULL, is_active bool NOT NULL, date_joined datetime(6) NOT NULL);
CREATE TABLE auth_user_groups (id integer AUTO_INCREMENT PRIMARY KEY, user_id integer NOT NULL, group_id integer NOT NULL, UNIQUE (user_id, group_id));
CREATE TABLE auth_user_user_permissions (id integer AUTO_INCREMENT PRIMARY KEY, user_id integer NOT NULL, permission_id integer NOT NULL, UNIQUE (user_id, permission_id));
CREATE TABLE django_admin_log (id integer AUTO_INCREMENT PRIMARY KEY, action_time datetime(6) NOT NULL, object_id longtext, object_repr varchar(200) NOT NULL, action_flag smallint unsigned NOT NULL CHECK (action_flag >= 0), change_message longtext NOT NULL, content_type_id integer, user_id integer NOT NULL);
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL);
CREATE TABLE django_site (id integer AUTO_INCREMENT PRIMARY KEY, domain varchar(100) NOT NULL UNIQUE, name varchar(50) NOT NULL);
