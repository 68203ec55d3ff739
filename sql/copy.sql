-- binary forms: COPY both ways, send functions, hostile input

CREATE TABLE t (id int, v vector, h halfvec, s sparsevec);
INSERT INTO t VALUES
    (1, '[1,-2.5,0.1]', '[1,-2.5,0.1]', '{1:1,3:-2.5}/3'), (2, NULL, NULL, NULL),
    (3, '[-0,1e-45,3.4028235e38]', '[-0,6e-8,65504]', '{}/1000000000'), (4, '[0]', '[0]', '{1000000000:1}/1000000000');
INSERT INTO t SELECT 5, v, v, v FROM (SELECT array_agg(i::real)::vector AS v FROM generate_series(1, 16000) i) AS largest;

SELECT id, vector_send(v), halfvec_send(h), sparsevec_send(s) FROM t WHERE id < 5 ORDER BY id;
SELECT length(vector_send(v)), length(halfvec_send(h)), length(sparsevec_send(s)) FROM t WHERE id = 5;

-- through a file of the server
CREATE FUNCTION pg_temp.exchange(command text, arguments text DEFAULT '(FORMAT binary)') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/quiver_copy.bin';
    context text;
BEGIN
    EXECUTE command || quote_literal(CASE WHEN command ~ 'PROGRAM' THEN 'cat >/dev/null; rm ' ELSE '' END || file) || arguments;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RETURN SQLSTATE || ': ' || SQLERRM || ' (' || split_part(context, E'\n', 1) || ')';
END
$$;
CREATE TABLE u (LIKE t);
SELECT pg_temp.exchange('COPY t TO ');
SELECT pg_temp.exchange('COPY u FROM ');
SELECT count(*), count(*) FILTER (WHERE row(t.v::text, t.h::text, t.s::text) IS NOT DISTINCT FROM row(u.v::text, u.h::text, u.s::text)) AS same,
    count(*) FILTER (WHERE t.v = u.v AND t.h = u.h AND t.s = u.s) AS equal_not_null FROM t JOIN u USING (id);
-- typmods bind binary input too
CREATE TABLE narrow (id int, v vector(3), h halfvec(3), s sparsevec(3));
SELECT pg_temp.exchange('COPY narrow FROM ');
SELECT pg_temp.exchange('COPY (SELECT) TO PROGRAM ', '');
DROP TABLE t, u, narrow;

-- one binary value as a client may send it
CREATE TABLE target (v vector, h halfvec, s sparsevec);
CREATE FUNCTION pg_temp.receive(field text, value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stream bytea := '\x5047434f50590aff0d0a00 0000000000000000 0001'::bytea ||
        decode(lpad(to_hex(length(value)), 8, '0'), 'hex') || value || '\xffff'::bytea;
    octal text := '';
    result text;
    explained text;
BEGIN
    FOR i IN 0 .. length(stream) - 1 LOOP
        octal := octal || format('\%s%s%s', get_byte(stream, i) / 64, get_byte(stream, i) / 8 % 8, get_byte(stream, i) % 8);
    END LOOP;
    DELETE FROM target;
    EXECUTE format('COPY target (%I) FROM PROGRAM %L (FORMAT binary)', field, 'printf ''' || octal || '''');
    EXECUTE format('SELECT %I::text FROM target', field) INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS explained = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || SQLERRM || coalesce(' (' || nullif(explained, '') || ')', '');
END
$$;
\pset format unaligned
\pset fieldsep ' => '
SELECT field, value, pg_temp.receive(field, value) FROM (VALUES
    ('v', '\x000200003f80000040000000'::bytea), ('v', '\x00010000 80000000'),
    ('v', '\x'), ('v', '\x0001'), ('v', '\x00020000 3f800000'), ('v', '\x00010000 3f8000'), ('v', '\x00010000 3f800000 00'),
    ('v', '\x00000000'), ('v', '\xffff0000'), ('v', '\x80000000'), ('v', '\x3e810000'), ('v', '\x7fff0000'),
    ('v', '\x3e800000 3f800000'), ('v', '\x00010001 3f800000'), ('v', '\x0001ffff 3f800000'),
    ('v', '\x00010000 7fc00000'), ('v', '\x00010000 7f800000'), ('v', '\x00010000 ff800000'),
    ('h', '\x00020000 3c00c000'), ('h', '\x00010000 8000'), ('h', '\x00010000 7bff'), ('h', '\x00010000 0001'),
    ('h', '\x00020000 3c00'), ('h', '\x00000000'), ('h', '\xffff0000'), ('h', '\x3e810000'), ('h', '\x00010001 3c00'),
    ('h', '\x00010000 7e00'), ('h', '\x00010000 7c00'), ('h', '\x00010000 fc00'), ('h', '\x00010000 7c01'),
    ('s', '\x00000003 00000002 00000000 00000000 00000002 3f800000 40000000'), ('s', '\x00000003 00000000 00000000'),
    ('s', '\x3b9aca00 00000001 00000000 3b9ac9ff 3f800000'),
    ('s', '\x00000003 00000002 00000000 00000000 00000002 3f800000'), ('s', '\x00000003 00000000'),
    ('s', '\x00000000 00000000 00000000'), ('s', '\xffffffff 00000000 00000000'), ('s', '\x3b9aca01 00000000 00000000'),
    ('s', '\x00000003 ffffffff 00000000'), ('s', '\x00000003 80000000 00000000'), ('s', '\x00000003 00000004 00000000'),
    ('s', '\x3b9aca00 00003e81 00000000'), ('s', '\x3b9aca00 7fffffff 00000000'), ('s', '\x3b9aca00 00003e80 00000000'),
    ('s', '\x00000003 00000000 00000001'),
    ('s', '\x00000003 00000001 00000000 00000003 3f800000'), ('s', '\x00000003 00000001 00000000 ffffffff 3f800000'),
    ('s', '\x00000003 00000002 00000000 00000001 00000000 3f800000 3f800000'),
    ('s', '\x00000003 00000002 00000000 00000001 00000001 3f800000 3f800000'),
    ('s', '\x00000003 00000001 00000000 00000000 00000000'), ('s', '\x00000003 00000001 00000000 00000000 80000000'),
    ('s', '\x00000003 00000001 00000000 00000000 7fc00000'), ('s', '\x00000003 00000001 00000000 00000000 ff800000')
    ) AS t(field, value);
DROP TABLE target;
