#ifndef SPADIX_GLPK_H
#define SPADIX_GLPK_H

#include <stddef.h>

/* The version of the GLPK library that is linked, such as "5.0". */
const char *spadix_glpk_version(void);

/* A mixed integer program to minimize. Arrays belong to the caller; columns and rows count from 0.
   An infinite bound is -HUGE_VAL or HUGE_VAL. */
typedef struct {
  int columns;
  int rows;
  const double *column_lower;
  const double *column_upper;
  const double *column_cost;
  const unsigned char *column_is_integer;
  const double *row_lower;
  const double *row_upper;
  /* Row i holds the terms row_start[i] ..< row_start[i + 1]. */
  const int *row_start;
  const int *term_column;
  const double *term_value;
} spadix_glpk_problem;

typedef struct {
  /* Branch-and-bound nodes after which the search stops with its best solution; at least 1. */
  int node_limit;
  /* Simplex iterations after which it does; looked at between those of a node, and in the first relaxation of all where it
     is not preprocessed. 0 for none. */
  int iteration_limit;
  /* Whether to generate Gomory, rounding, cover and clique cuts. */
  int cuts;
  /* Whether to run the integer preprocessor. */
  int presolve;
  /* Solve the linear relaxation only. */
  int relaxation;
  /* The search stops when this becomes nonzero; may be null. */
  const volatile int *cancelled;
} spadix_glpk_options;

enum {
  SPADIX_GLPK_OPTIMAL = 0,
  SPADIX_GLPK_FEASIBLE = 1,   /* stopped with a solution */
  SPADIX_GLPK_INFEASIBLE = 2,
  SPADIX_GLPK_UNKNOWN = 3,    /* stopped without a solution */
  SPADIX_GLPK_UNBOUNDED = 4,
  SPADIX_GLPK_FAILED = 5      /* GLPK called its error hook or returned an error; see the log */
};

typedef struct {
  int status;
  int nodes;
  double objective;
  /* No solution has a smaller objective; -HUGE_VAL when nothing is known. */
  double bound;
  /* Room for one value per column. */
  double *values;
  /* Room for GLPK's terminal output, terminated by 0; null for none. */
  char *log;
  size_t log_capacity;
} spadix_glpk_result;

/* Builds, solves and extracts. Never prints, never aborts the process. */
void spadix_glpk_solve(
    const spadix_glpk_problem *problem, const spadix_glpk_options *options, spadix_glpk_result *result);

#endif
