/* Name lookup of the test program and the libraries that it links: no question leaves the machine.
 */
#ifndef TESTS_UNIT_LOOKUP_H
#define TESTS_UNIT_LOOKUP_H

/* Names that end in ".example" are 127.0.0.1; "localhost" and addresses what they are; "hang.test"
 * is looked up until lookup_release; all others do not exist. */
void lookup_release(void);
/* Waits until somebody looks up "hang.test". */
void lookup_wait(void);

#endif
