// HiGHS, the linear programming solver, through the two things that are asked of it.
#pragma once

/// A linear program: minimise or maximise cost · x with row_lower <= A x <= row_upper and lower <= x <= upper.
/// A is in compressed sparse rows; bounds that are not there are infinite.
typedef struct {
  int columns, rows, entries;
  int maximise;
  const double *cost, *lower, *upper;
  const double *row_lower, *row_upper;
  const int *starts, *indices;
  const double *values;
  /// How far bounds and signs of duals may be missed.
  double feasibility;
  /// Seconds, infinite for as many as it takes.
  double time_limit;
} chighs_program;

/// Where the solution goes, which is written when the status is CHIGHS_OPTIMAL only.
typedef struct {
  double *primal, *reduced_cost;  // [columns]
  double *activity, *dual;        // [rows]
} chighs_solution;

enum {
  CHIGHS_OPTIMAL = 0,
  CHIGHS_INFEASIBLE = 1,
  CHIGHS_UNBOUNDED = 2,
  CHIGHS_INFEASIBLE_OR_UNBOUNDED = 3,
  CHIGHS_TIME_LIMIT = 4,
  CHIGHS_REJECTED = 5,
  CHIGHS_FAILED = 6,
};

/// Solves a program on the calling thread and returns one of the values above.
int chighs_solve(const chighs_program *program, const chighs_solution *solution);
