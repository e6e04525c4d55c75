#include "spadix_glpk.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

const char *spadix_glpk_version(void) { return glp_version(); }

/* What the hooks of one call share. GLPK keeps its own state per thread, so calls on several threads do not meet. */
typedef struct {
  jmp_buf escape;
  const spadix_glpk_options *options;
  spadix_glpk_result *result;
  size_t log_used;
  int stopped;
} solve_state;

static int is_cancelled(const solve_state *state) {
  return state->options->cancelled != NULL && *state->options->cancelled != 0;
}

/* GLPK reports progress from inside the simplex method too: the only place where a long relaxation can be left. */
static int on_output(void *info, const char *text) {
  solve_state *state = info;
  spadix_glpk_result *result = state->result;
  if (result->log != NULL && result->log_capacity > 0) {
    size_t room = result->log_capacity - 1 - state->log_used;
    size_t length = strlen(text);
    if (length > room) length = room;
    memcpy(result->log + state->log_used, text, length);
    state->log_used += length;
    result->log[state->log_used] = 0;
  }
  if (is_cancelled(state)) longjmp(state->escape, 2);
  return 1;
}

static void on_error(void *info) {
  solve_state *state = info;
  longjmp(state->escape, 1);
}

static void on_node(glp_tree *tree, void *info) {
  solve_state *state = info;
  int active = 0, current = 0, total = 0;
  glp_ios_tree_size(tree, &active, &current, &total);
  state->result->nodes = total;
  int best = glp_ios_best_node(tree);
  if (best != 0) state->result->bound = glp_ios_node_bound(tree, best);
  int limit = state->options->iteration_limit;
  int is_long = limit > 0 && glp_get_it_cnt(glp_ios_get_prob(tree)) > limit;
  int is_over = glp_ios_reason(tree) == GLP_ISELECT && total > state->options->node_limit;
  if (is_long || is_over || is_cancelled(state)) {
    state->stopped = 1;
    glp_ios_terminate(tree);
  }
}

static int bound_kind(double lower, double upper) {
  int has_lower = lower > -HUGE_VAL, has_upper = upper < HUGE_VAL;
  if (has_lower && has_upper) return lower == upper ? GLP_FX : GLP_DB;
  if (has_lower) return GLP_LO;
  return has_upper ? GLP_UP : GLP_FR;
}

static glp_prob *build(const spadix_glpk_problem *problem) {
  glp_prob *prob = glp_create_prob();
  glp_set_obj_dir(prob, GLP_MIN);
  if (problem->columns > 0) glp_add_cols(prob, problem->columns);
  for (int j = 0; j < problem->columns; j++) {
    double lower = problem->column_lower[j], upper = problem->column_upper[j];
    glp_set_col_bnds(prob, j + 1, bound_kind(lower, upper), lower, upper);
    glp_set_obj_coef(prob, j + 1, problem->column_cost[j]);
    if (problem->column_is_integer[j]) glp_set_col_kind(prob, j + 1, GLP_IV);
  }
  if (problem->rows > 0) glp_add_rows(prob, problem->rows);
  int longest = 0;
  for (int i = 0; i < problem->rows; i++) {
    int length = problem->row_start[i + 1] - problem->row_start[i];
    if (length > longest) longest = length;
  }
  int *indices = glp_alloc(longest + 1, sizeof(int));
  for (int i = 0; i < problem->rows; i++) {
    double lower = problem->row_lower[i], upper = problem->row_upper[i];
    glp_set_row_bnds(prob, i + 1, bound_kind(lower, upper), lower, upper);
    int start = problem->row_start[i], length = problem->row_start[i + 1] - start;
    for (int k = 0; k < length; k++) indices[k + 1] = problem->term_column[start + k] + 1;
    /* GLPK counts from 1; element 0 is not read. */
    glp_set_mat_row(prob, i + 1, length, indices, problem->term_value + start - 1);
  }
  glp_free(indices);
  return prob;
}

static void extract_relaxation(glp_prob *prob, spadix_glpk_result *result) {
  result->objective = glp_get_obj_val(prob);
  result->bound = result->objective;
  for (int j = 0; j < glp_get_num_cols(prob); j++) result->values[j] = glp_get_col_prim(prob, j + 1);
}

static void solve_relaxation(glp_prob *prob, solve_state *state) {
  glp_smcp control;
  glp_init_smcp(&control);
  control.presolve = GLP_ON;
  control.meth = GLP_DUALP;
  control.out_frq = 200;
  if (state->options->iteration_limit > 0) control.it_lim = state->options->iteration_limit;
  int code = glp_simplex(prob, &control);
  spadix_glpk_result *result = state->result;
  if (code == GLP_ENOPFS) {
    result->status = SPADIX_GLPK_INFEASIBLE;
  } else if (code == GLP_ENODFS) {
    result->status = SPADIX_GLPK_UNBOUNDED;
  } else if (code != 0) {
    result->status = code == GLP_EITLIM ? SPADIX_GLPK_UNKNOWN : SPADIX_GLPK_FAILED;
  } else {
    switch (glp_get_status(prob)) {
      case GLP_OPT: result->status = SPADIX_GLPK_OPTIMAL; extract_relaxation(prob, result); break;
      case GLP_NOFEAS: result->status = SPADIX_GLPK_INFEASIBLE; break;
      case GLP_UNBND: result->status = SPADIX_GLPK_UNBOUNDED; break;
      default: result->status = SPADIX_GLPK_UNKNOWN; break;
    }
  }
}

static void solve_integer(glp_prob *prob, solve_state *state) {
  spadix_glpk_result *result = state->result;
  glp_iocp control;
  glp_init_iocp(&control);
  control.presolve = state->options->presolve ? GLP_ON : GLP_OFF;
  int cuts = state->options->cuts ? GLP_ON : GLP_OFF;
  control.gmi_cuts = cuts;
  control.mir_cuts = cuts;
  control.cov_cuts = cuts;
  control.clq_cuts = cuts;
  control.cb_func = on_node;
  control.cb_info = state;
  control.out_frq = 200;
  if (!control.presolve) {
    glp_smcp simplex;
    glp_init_smcp(&simplex);
    simplex.meth = GLP_DUALP;
    simplex.out_frq = 200;
    if (state->options->iteration_limit > 0) simplex.it_lim = state->options->iteration_limit;
    glp_adv_basis(prob, 0);
    int code = glp_simplex(prob, &simplex);
    int status = glp_get_status(prob);
    if (code == GLP_EITLIM) {
      result->status = SPADIX_GLPK_UNKNOWN;
      return;
    }
    if (code != 0 || status != GLP_OPT) {
      int infeasible = code == 0 && (status == GLP_NOFEAS || status == GLP_INFEAS);
      result->status = infeasible ? SPADIX_GLPK_INFEASIBLE : SPADIX_GLPK_FAILED;
      return;
    }
    result->bound = glp_get_obj_val(prob);
  }
  int code = glp_intopt(prob, &control);
  if (code == GLP_ENOPFS) {
    result->status = SPADIX_GLPK_INFEASIBLE;
    return;
  }
  if (code == GLP_ENODFS) {
    result->status = SPADIX_GLPK_UNBOUNDED;
    return;
  }
  int stopped = state->stopped || code == GLP_ESTOP || code == GLP_EMIPGAP;
  if (code != 0 && !stopped) {
    result->status = SPADIX_GLPK_FAILED;
    return;
  }
  /* Solutions of GLPK's own heuristics raise no callback, so the incumbent is read here. */
  int status = glp_mip_status(prob);
  int has_solution = status == GLP_OPT || status == GLP_FEAS;
  if (has_solution) {
    result->objective = glp_mip_obj_val(prob);
    for (int j = 0; j < glp_get_num_cols(prob); j++) result->values[j] = glp_mip_col_val(prob, j + 1);
  }
  if (!stopped && status == GLP_OPT) {
    result->bound = result->objective;
    result->status = SPADIX_GLPK_OPTIMAL;
  } else if (!stopped && status == GLP_NOFEAS) {
    result->status = SPADIX_GLPK_INFEASIBLE;
  } else {
    result->status = has_solution ? SPADIX_GLPK_FEASIBLE : SPADIX_GLPK_UNKNOWN;
  }
}

void spadix_glpk_solve(
    const spadix_glpk_problem *problem, const spadix_glpk_options *options, spadix_glpk_result *result) {
  solve_state state = {.options = options, .result = result};
  result->status = SPADIX_GLPK_FAILED;
  result->nodes = 0;
  result->objective = HUGE_VAL;
  result->bound = -HUGE_VAL;
  if (result->log != NULL && result->log_capacity > 0) result->log[0] = 0;
  if (glp_init_env() == 2) return;
  glp_term_out(GLP_ON);
  glp_term_hook(on_output, &state);
  glp_error_hook(on_error, &state);
  int escaped = setjmp(state.escape);
  if (escaped == 0) {
    glp_prob *prob = build(problem);
    if (options->relaxation) {
      solve_relaxation(prob, &state);
    } else {
      solve_integer(prob, &state);
    }
    glp_delete_prob(prob);
    glp_error_hook(NULL, NULL);
    glp_term_hook(NULL, NULL);
  } else {
    if (escaped == 2) result->status = SPADIX_GLPK_UNKNOWN;
  }
  /* Frees what an escape left behind; the next call makes a new environment. */
  glp_free_env();
}
