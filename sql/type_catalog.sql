-- what the catalogs say of types, functions, operators and casts

\pset format unaligned
\pset fieldsep ' '
\pset tuples_only on

CREATE VIEW members AS SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'quiver';
-- functions about types: not those of the access method
CREATE VIEW functions AS SELECT p.* FROM pg_proc p JOIN members m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
    WHERE p.proname !~ '^quiver_';

SELECT format_type(t.oid, NULL), typlen, typalign, typstorage, typcategory, typreceive <> 0, typmodin <> 0 FROM pg_type t
    JOIN members m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass WHERE typelem = 0 ORDER BY 1;

-- every one is immutable and safe in parallel; all but aggregates are strict
SELECT oid::regprocedure, provolatile, proparallel, proisstrict FROM functions
    WHERE provolatile <> 'i' OR proparallel <> 's' OR proisstrict <> (prokind = 'f');
-- none is leakproof: not even the comparisons, which raise on no contents, since the word also opens statistics of all rows
SELECT oid::regprocedure FROM functions WHERE proleakproof ORDER BY oid::regprocedure::text COLLATE "C";
-- what costs more than an addition
SELECT proname, procost, string_agg(pg_get_function_identity_arguments(oid), '; ' ORDER BY oid) FROM functions
    WHERE procost <> 1 GROUP BY 1, 2 ORDER BY 1;
-- symbols of C cannot meet another extension's in a server that loads libraries globally
SELECT p.oid::regprocedure, prosrc FROM pg_proc p JOIN members m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
    JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = 'c' AND prosrc !~ '^quiver_';
-- nothing depends on a schema's name
SELECT p.oid::regprocedure FROM pg_proc p JOIN members m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
    JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = 'sql' AND prosqlbody IS NULL;

SELECT oid::regprocedure, pg_get_function_result(oid) FROM functions ORDER BY oid::regprocedure::text COLLATE "C";
SELECT o.oid::regoperator, oprresult::regtype, oprcode, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin
    FROM pg_operator o JOIN members m ON m.objid = o.oid AND m.classid = 'pg_operator'::regclass ORDER BY o.oid::regoperator::text COLLATE "C";
SELECT castsource::regtype, 'to', casttarget::regtype, castcontext FROM pg_cast c
    JOIN members m ON m.objid = c.oid AND m.classid = 'pg_cast'::regclass ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
SELECT opcname, opcintype::regtype, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
    JOIN members m ON m.objid = c.oid AND m.classid = 'pg_opclass'::regclass WHERE amname = 'btree' ORDER BY 1;

DROP VIEW functions, members;
