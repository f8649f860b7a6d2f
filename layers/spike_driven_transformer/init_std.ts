/** The deviation that the authors begin all convolutions with, 1x1 ones too; biases begin at 0. */
export const INIT_STD = 0.02;
