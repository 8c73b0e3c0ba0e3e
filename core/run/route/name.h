/*
 * From a value of the routing column to the name of its route, which goes into names of tables,
 * files and the like.
 *
 * "identifier": ASCII letters become lower case, every character that is no letter, digit or '_'
 * becomes one '_'. "as_is": the value itself, where it is fit to be part of a path.
 */
#ifndef CORE_RUN_ROUTE_NAME_H
#define CORE_RUN_ROUTE_NAME_H

#include "config/job.h"
#include "config/option/words.h"

#define ROUTE_NAME_MAX 200 /* bytes: what is left of 255 is for the rest of a file's name */

/* Codes of rows that no route is found for. */
#define ROUTE_CODE_NULL      "route_null"      /* null or empty, and no `null` is set */
#define ROUTE_CODE_NAME      "route_name"      /* the value makes no name */
#define ROUTE_CODE_COLLISION "route_collision" /* another value has this name */
#define ROUTE_CODE_MANY      "too_many_routes" /* the load has `max` others */
#define ROUTE_CODE_REFUSED   "route_refused"   /* the sink cannot have such a name */

/* TOW_E_DATA with the reason where the value makes no name. */
int route_name_of(const struct tow_route_spec *spec, const char *value, size_t length,
                  char name[ROUTE_NAME_MAX + 1], struct tow_error *err);

#endif
